import { createStoredStore } from "../ui/store";

/** "": not given yet. In sessionStorage: it must not outlive its tab. */
export const adminKey = createStoredStore<string>("sessionStorage", "louro.admin", (raw) =>
  typeof raw === "string" ? raw : "",
);
