/** admin: everything. deploy: may see and change only the apps it was given or created. */
export type Role = "admin" | "deploy";

export interface Key {
  readonly id: number;
  /** Unique; it is the identity that events and releases name. */
  readonly name: string;
  /** OpenSSH one-line form without comment: "ssh-ed25519 AAAA…". */
  readonly publicKey: string;
  /** "SHA256:…" as ssh-keygen -l prints it. */
  readonly fingerprint: string;
  readonly role: Role;
}

/** Who asks: the key that signed in. */
export type Actor = Pick<Key, "id" | "name" | "role">;
