import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import ssh2 from "ssh2";
import type { ExecuteLine } from "../commands/execute.ts";
import { log } from "../lib/log.ts";
import type { KeyStore } from "../state/keys.ts";
import { serveConnection } from "./connection.ts";

export interface SshLimits {
  /** From the connection until a client has signed in. */
  readonly signInTimeoutMs: number;
  /** Without any open channel, such as an idle ControlMaster. */
  readonly idleTimeoutMs: number;
  readonly connectionsPerAddress: number;
  readonly connections: number;
}

const defaultLimits: SshLimits = {
  signInTimeoutMs: 30_000,
  idleTimeoutMs: 3_600_000,
  connectionsPerAddress: 64,
  connections: 512,
};

export interface SshServerOptions {
  readonly address: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Private key in OpenSSH's format. */
  readonly hostKey: string;
  readonly keys: KeyStore;
  readonly execute: ExecuteLine;
  readonly limits?: Partial<SshLimits>;
}

export interface SshServer {
  /** Resolves with the port. */
  listen(): Promise<number>;
  /** Refuses new clients and closes the connections of those there are. */
  close(): Promise<void>;
}

export function createSshServer(options: SshServerOptions): SshServer {
  const limits = { ...defaultLimits, ...options.limits };
  const guests = new Map<string, Guest>();

  // ssh2 listens on nothing: with a server of our own we hold the socket of each client before it said a word.
  const listener = createServer((socket) => {
    const id = `${socket.remoteAddress} ${socket.remotePort}`;
    const fromThere = [...guests.values()].filter((guest) => guest.address === socket.remoteAddress);
    if (guests.size >= limits.connections || fromThere.length >= limits.connectionsPerAddress) {
      log("ssh connection refused: too many", { address: socket.remoteAddress });
      return void socket.destroy();
    }
    const guest = new Guest(socket, limits);
    guests.set(id, guest);
    socket.once("close", () => {
      guest.busy();
      guests.delete(id);
    });
    socket.setNoDelay(true);
    ssh.injectSocket(socket);
  });

  const ssh = new ssh2.Server(
    {
      hostKeys: [options.hostKey],
      ident: "Slipway",
      // Compression would let a few bytes become many before anybody has signed in.
      algorithms: { compress: ["none"] },
    },
    (client, { ip, port }) => {
      const guest = guests.get(`${ip} ${port}`);
      serveConnection(client, {
        keys: options.keys,
        execute: options.execute,
        address: ip,
        onSignIn: () => guest?.idle(),
        onSessions: (open) => (open === 0 ? guest?.idle() : guest?.busy()),
      });
    },
  );

  return {
    listen: () => listen(listener, options),
    async close() {
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      for (const guest of guests.values()) guest.disconnect();
      await closed;
    },
  };
}

function listen(listener: Server, { address, port }: SshServerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(port, address, () => {
      listener.off("error", reject);
      resolve((listener.address() as AddressInfo).port);
    });
  });
}

/** A connected client and how long it may stay doing nothing. */
class Guest {
  readonly address: string | undefined;
  readonly #socket: Socket;
  readonly #limits: SshLimits;
  #timer: NodeJS.Timeout;

  constructor(socket: Socket, limits: SshLimits) {
    this.address = socket.remoteAddress;
    this.#socket = socket;
    this.#limits = limits;
    this.#timer = setTimeout(() => this.disconnect(), limits.signInTimeoutMs);
  }

  /** No limit runs. */
  busy(): void {
    clearTimeout(this.#timer);
  }

  /** From now on it has nothing open. */
  idle(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.disconnect(), this.#limits.idleTimeoutMs);
  }

  disconnect(): void {
    this.#socket.destroy();
  }
}
