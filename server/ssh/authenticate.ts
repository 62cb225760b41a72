import type { AuthContext, PublicKeyAuthContext } from "ssh2";
import ssh2 from "ssh2";
import type { Key } from "../model/key.ts";
import { publicKeyOf } from "../model/public-key.ts";
import type { KeyStore } from "../state/keys.ts";

/** Clients offer the keys of their agent one by one; OpenSSH's own limit. */
export const mostAttempts = 6;

/**
 * Who a client is by the key that it proves to hold, or null. Any user name will do: the key alone says who it is.
 * "offered" means a known key that the client asks about before it signs (RFC 4252, section 7).
 */
export function authenticate(attempt: AuthContext, keys: KeyStore): { key: Key; proven: boolean } | null {
  if (attempt.method !== "publickey") return null;
  const key = findKey(attempt, keys);
  if (key === null) return null;
  if (attempt.signature === undefined) return { key, proven: false };
  return verifies(attempt, key) ? { key, proven: true } : null;
}

/** Public keys are no secret, so a plain look-up gives nothing away; the signature is what counts. */
function findKey({ key }: PublicKeyAuthContext, keys: KeyStore): Key | null {
  try {
    return keys.byPublicKey(publicKeyOf(key.data));
  } catch {
    return null;
  }
}

function verifies({ key, blob, signature, hashAlgo }: PublicKeyAuthContext, known: Key): boolean {
  if (blob === undefined || signature === undefined) return false;
  // An RSA signature without a named hash is over SHA-1, which is broken (RFC 8332).
  if (key.algo === "ssh-rsa" && hashAlgo === undefined) return false;
  const parsed = ssh2.utils.parseKey(known.publicKey);
  return !(parsed instanceof Error) && parsed.verify(blob, signature, hashAlgo) === true;
}
