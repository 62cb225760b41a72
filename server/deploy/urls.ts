import type { App } from "../model/app.ts";
import type { Rooms } from "./rooms.ts";
import { hostsOf } from "./routes.ts";

/** "http://blog.example.com" for each host name; wildcards are no address to visit. */
export function urlsOf(rooms: Rooms, app: App): string[] {
  const port = rooms.settings.httpPort === 80 ? "" : `:${rooms.settings.httpPort}`;
  return hostsOf(rooms, app)
    .filter((host) => !host.startsWith("*."))
    .map((host) => `http://${host}${port}`);
}
