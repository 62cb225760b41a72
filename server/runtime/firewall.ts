export interface FirewallOptions {
  readonly bridge: string;
  readonly gateway: string;
  readonly subnet: string;
  /** The host's name servers; one may be an address of the host itself. */
  readonly nameservers: readonly string[];
  /** A name server on the host's loopback that containers reach at the gateway's address. */
  readonly relayed: string | undefined;
}

/**
 * The nftables table of one bridge (nft(8)), replacing its former version in one step. Containers reach the world and their
 * name server; not each other, not the host, not the metadata service of a cloud (169.254.169.254); nobody reaches them.
 */
export function firewallRules({ bridge, gateway, subnet, nameservers, relayed }: FirewallOptions): string {
  const dnsServers = [...new Set(relayed === undefined ? nameservers : [relayed])].join(", ");
  const dns = (verdict: string) =>
    dnsServers === ""
      ? []
      : [`iifname ${bridge} ip daddr { ${dnsServers} } meta l4proto { tcp, udp } th dport 53 ${verdict}`];
  return `
table inet ${bridge} {}
delete table inet ${bridge}
table inet ${bridge} {
  chain input {
    type filter hook input priority -10; policy accept;
    iifname != ${bridge} accept
    ct state established,related accept
    ${dns("accept").join("\n    ")}
    drop
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    iifname ${bridge} oifname "slipway*" drop
    iifname ${bridge} ip daddr 169.254.0.0/16 drop
    iifname ${bridge} meta nfproto ipv6 drop
    iifname ${bridge} ip saddr != ${subnet} drop
    oifname ${bridge} ct state established,related accept
    oifname ${bridge} drop
  }
  chain prerouting {
    type nat hook prerouting priority -100;
    ${relayed === undefined ? "" : `iifname ${bridge} ip daddr ${gateway} meta l4proto { tcp, udp } th dport 53 dnat ip to ${relayed}`}
  }
  chain postrouting {
    type nat hook postrouting priority 100;
    ip saddr ${subnet} oifname != ${bridge} masquerade
  }
}
`;
}
