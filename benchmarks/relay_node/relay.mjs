// A relay that copies frames, and knows nothing of what is in them.     node relay.mjs UPSTREAM_URL
import WebSocket, { WebSocketServer } from "ws";

const upstreamUrl = process.argv[2];
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });

server.on("listening", () => console.log(`relays http://127.0.0.1:${server.address().port}`));
server.on("connection", (app, request) => {
  const upstream = new WebSocket(upstreamUrl + request.url, { perMessageDeflate: false });
  const waiting = [];
  app.on("message", (data, isBinary) => {
    if (upstream.readyState === WebSocket.OPEN) upstream.send(data, { binary: isBinary });
    else waiting.push([data, isBinary]);
  });
  upstream.on("open", () => {
    for (const [data, isBinary] of waiting) upstream.send(data, { binary: isBinary });
  });
  upstream.on("message", (data, isBinary) => app.send(data, { binary: isBinary }));
  upstream.on("close", () => app.close());
  app.on("close", () => upstream.close());
  upstream.on("error", () => app.close());
  app.on("error", () => upstream.close());
});
