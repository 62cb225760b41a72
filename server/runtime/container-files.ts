/**
 * Files that every container has beside its image's: path and content. `address` is its own, undefined without network.
 * Some programs look for the two empty ones to learn that they are in a container, and then listen on every address.
 */
export function containerFiles(
  hostname: string,
  address: string | undefined,
  resolvConf: string,
): Record<string, string> {
  return {
    "/etc/hostname": `${hostname}\n`,
    "/etc/hosts": `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${address ?? "127.0.1.1"} ${hostname}\n`,
    "/etc/resolv.conf": resolvConf,
    "/.dockerenv": "",
    "/run/.containerenv": "",
  };
}
