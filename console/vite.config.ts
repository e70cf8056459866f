import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.VITE_LOURO_URL ?? "http://127.0.0.1:8765";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../src/louro/http/console",
    emptyOutDir: true,
    chunkSizeWarningLimit: 600,
  },
  server: {
    proxy: {
      "/v1": { target: server, ws: true },
      "/health": server,
    },
  },
  test: { environment: "node", include: ["src/**/*.test.{ts,tsx}"] },
});
