import { createHash, createPublicKey, type JsonWebKey } from "node:crypto";
import { UserError } from "./error.ts";

export interface PublicKey {
  /** "ssh-ed25519 AAAA…", without a comment. */
  readonly publicKey: string;
  /** "SHA256:…" */
  readonly fingerprint: string;
}

const shortestRsaBits = 2048;

const curves: Readonly<Record<string, { name: string; jwk: string; bytes: number }>> = {
  "ecdsa-sha2-nistp256": { name: "nistp256", jwk: "P-256", bytes: 32 },
  "ecdsa-sha2-nistp384": { name: "nistp384", jwk: "P-384", bytes: 48 },
  "ecdsa-sha2-nistp521": { name: "nistp521", jwk: "P-521", bytes: 66 },
};

/** Reads one line in OpenSSH's public key format (sshd(8)). Throws a UserError that says why it is no key. */
export function parsePublicKey(text: string): PublicKey {
  if (/PRIVATE KEY/.test(text)) throw invalid("it is a private key: keep it secret and give the .pub file");
  const lines = text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (lines.length > 1) throw new UserError("Too many keys provided, please provide one key only");
  const [type = "", base64 = ""] = (lines[0] ?? "").split(/\s+/);
  if (type === "") throw invalid("it is empty");
  const blob = Buffer.from(base64, "base64");
  if (base64 === "" || blob.toString("base64") !== base64)
    throw invalid('expected "type base64 comment" in one line');
  checkBlob(type, readStrings(blob));
  return { publicKey: `${type} ${base64}`, fingerprint: fingerprintOf(blob) };
}

/** The form under which keys are stored, of the bytes that a client signs in with. */
export function publicKeyOf(blob: Buffer): string {
  return `${readStrings(blob)[0]?.toString("latin1") ?? ""} ${blob.toString("base64")}`;
}

function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Splits a key blob into its length-prefixed strings (RFC 4251, section 5). */
function readStrings(blob: Buffer): Buffer[] {
  const strings: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    if (at + 4 > blob.length) throw invalid("it is cut off");
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) throw invalid("it is cut off");
    strings.push(blob.subarray(at + 4, end));
    at = end;
  }
  return strings;
}

/** Checks that the blob is of its type and that its numbers are a key (RFC 8709, RFC 5656, RFC 4253). */
function checkBlob(type: string, [blobType, ...parts]: Buffer[]): void {
  if (blobType?.toString("latin1") !== type) throw invalid(`it does not hold a key of type ${type}`);
  const [first, second] = parts;
  const curve = curves[type];
  if (type === "ssh-ed25519" && parts.length === 1 && first?.length === 32) {
    check({ kty: "OKP", crv: "Ed25519", x: url(first) });
  } else if (type === "ssh-rsa" && parts.length === 2 && first !== undefined && second !== undefined) {
    const modulus = second.subarray(second[0] === 0 ? 1 : 0);
    if (modulus.length * 8 < shortestRsaBits)
      throw invalid(`RSA keys need at least ${shortestRsaBits} bits, ssh-ed25519 is better`);
    check({ kty: "RSA", e: url(first), n: url(modulus) });
  } else if (curve !== undefined && parts.length === 2 && first?.toString() === curve.name) {
    checkPoint(curve, second);
  } else {
    throw invalid(
      curve !== undefined || type === "ssh-ed25519" || type === "ssh-rsa"
        ? "its numbers do not fit its type"
        : `keys of type ${type} are not supported: use ssh-ed25519, ecdsa or rsa`,
    );
  }
}

/** An uncompressed point: 4, x, y (RFC 5656, section 3.1). */
function checkPoint({ jwk, bytes }: { jwk: string; bytes: number }, point: Buffer | undefined): void {
  if (point?.length !== 1 + 2 * bytes || point[0] !== 4) throw invalid("its point is cut off");
  check({ kty: "EC", crv: jwk, x: url(point.subarray(1, 1 + bytes)), y: url(point.subarray(1 + bytes)) });
}

function check(key: JsonWebKey): void {
  try {
    createPublicKey({ key, format: "jwk" });
  } catch {
    throw invalid("its numbers are no key");
  }
}

const url = (bytes: Buffer) => bytes.toString("base64url");

function invalid(reason: string): UserError {
  return new UserError(`Key specified is not a valid ssh public key: ${reason}`);
}
