import { expect, test } from "vitest";
import type { ClientEvent, ServerEvent } from "../protocol/events";
import { Connection } from "./connection";
import { FakeNetwork, settled } from "./testing/double";

const target = { url: "", key: null, model: "m" };
const create: ClientEvent = { type: "response.create" };
const append: ClientEvent = { type: "input_audio_buffer.append", audio: "AAAA" };

function setUp() {
  const network = new FakeNetwork();
  const openings: boolean[] = [];
  const received: ServerEvent[] = [];
  const connection = new Connection(network, {
    opened: (again) => openings.push(again),
    received: (event) => received.push(event),
    sent: () => undefined,
    lost: () => undefined,
    changed: () => undefined,
  });
  return { network, openings, received, connection };
}

async function connected() {
  const setting = setUp();
  const connecting = setting.connection.connect(target);
  await settled();
  setting.network.socket.say({ type: "session.created" });
  await connecting;
  return setting;
}

test("a connection is there when the session has begun", async () => {
  const { connection, openings, network } = await connected();
  expect([connection.status, openings]).toEqual(["connected", [false]]);
  expect(network.delays).toEqual([]);
});

test("what is done while connecting is sent afterwards, but for sound", async () => {
  const setting = setUp();
  const connecting = setting.connection.connect(target);
  expect(setting.connection.send(create)).toBe(true);
  expect(setting.connection.send(append)).toBe(false);
  await settled();
  setting.network.socket.say({ type: "session.created" });
  await connecting;
  expect(setting.network.socket.sent).toEqual([create]);
});

test("what waits for the line is bounded", () => {
  const { connection } = setUp();
  expect(connection.send(create)).toBe(false);
  void connection.connect(target);
  const taken = Array.from({ length: 100 }, () => connection.send(create));
  expect(taken.filter(Boolean)).toHaveLength(64);
});

test("sound that cannot be sent in time is not sent", async () => {
  const { connection, network } = await connected();
  network.socket.bufferedAmount = 10_000_000;
  expect(connection.send(append)).toBe(false);
  expect(connection.send(create)).toBe(true);
});

test("a refusal is told in the server's words, and not tried again", async () => {
  const setting = setUp();
  const connecting = setting.connection.connect(target);
  await settled();
  const error = { type: "invalid_request_error", code: "invalid_model", message: "No." };
  setting.network.socket.say({ type: "error", error });
  setting.network.socket.drop(4000);
  await connecting;
  expect(setting.connection).toMatchObject({
    status: "failed",
    failure: { code: "invalid_model", message: "No." },
  });
  expect(setting.network.delays).toEqual([]);
});

test("a server that is not there fails the first attempt", async () => {
  const setting = setUp();
  setting.network.answer = () => {
    throw new TypeError("refused");
  };
  await setting.connection.connect(target);
  expect(setting.connection).toMatchObject({ status: "failed", failure: { code: "unreachable" } });
});

test("a server that never begins is given up", async () => {
  const setting = setUp();
  const connecting = setting.connection.connect(target);
  await settled();
  await setting.network.pass();
  await connecting;
  expect(setting.connection.failure?.code).toBe("timeout");
  expect(setting.network.socket.closed).toBe(true);
});

test("a lost line is opened again, after longer and longer waits", async () => {
  const { connection, network, openings } = await connected();
  network.socket.drop(1006);
  expect(connection.status).toBe("reconnecting");
  expect(network.delays.map(({ ms }) => ms)).toEqual([500]);
  await network.pass();
  network.socket.drop(1006);
  await settled();
  expect(network.delays.map(({ ms }) => ms)).toEqual([1000]);
  await network.pass();
  network.socket.say({ type: "session.created" });
  await settled();
  expect([connection.status, openings]).toEqual(["connected", [false, true]]);
  network.socket.drop(1001);
  expect(connection.status).toBe("reconnecting");
});

test("after eight attempts one gives up", async () => {
  const { connection, network } = await connected();
  network.socket.drop(1006);
  for (let attempt = 0; attempt < 8; attempt += 1) {
    await network.pass();
    network.socket.drop(1006);
    await settled();
  }
  expect(connection).toMatchObject({ status: "failed", failure: { code: "unreachable" } });
  expect(network.delays).toEqual([]);
});

test("who leaves while the line is down is left alone", async () => {
  const { connection, network } = await connected();
  network.socket.drop(1006);
  connection.disconnect();
  await settled();
  expect([connection.status, network.sockets.length]).toEqual(["idle", 1]);
});

test("who leaves while connecting is left alone", async () => {
  const setting = setUp();
  const connecting = setting.connection.connect(target);
  await settled();
  setting.connection.disconnect();
  await connecting;
  expect(setting.connection.status).toBe("idle");
  expect(setting.network.socket.closed).toBe(true);
});

test("frames that are no events are passed over", async () => {
  const { network, received, connection } = await connected();
  const frame = (data: unknown) => new MessageEvent("message", { data });
  const socket = network.socket as unknown as WebSocket;
  for (const data of ["?", "null", "{}", new ArrayBuffer(2)]) {
    socket.onmessage?.(frame(data));
  }
  expect([connection.status, received.length]).toEqual(["connected", 1]);
});
