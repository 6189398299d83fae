/** Hosts that mean the inside of some network. Names are judged as written: whatever runs the Worker resolves them. */

/** IANA's special-purpose blocks that no application on the open network has (RFC 6890). */
const PRIVATE_V4: readonly (readonly [network: number, prefix: number])[] = [
  [0x00_00_00_00, 8],
  [0x0a_00_00_00, 8],
  [0x64_40_00_00, 10],
  [0x7f_00_00_00, 8],
  [0xa9_fe_00_00, 16],
  [0xac_10_00_00, 12],
  [0xc0_00_00_00, 24],
  [0xc0_a8_00_00, 16],
  [0xc6_12_00_00, 15],
  [0xe0_00_00_00, 3],
];
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|internal|lan|home\.arpa)\.?$/;

/** `hostname` is a URL's, so IPv4 in any spelling is four decimal numbers by now and IPv6 is in brackets. */
export function isPrivateHost(hostname: string): boolean {
  const host = hostname.toLowerCase();
  if (host.startsWith("[")) return isPrivateV6(host.slice(1, -1));
  const v4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.?$/.exec(host);
  if (v4 !== null) return isPrivateV4(v4.slice(1).map(Number));
  return PRIVATE_NAMES.test(host) || !host.replace(/\.$/, "").includes(".");
}

function isPrivateV4(octets: readonly number[]): boolean {
  const address = octets.reduce((sum, octet) => sum * 256 + octet, 0);
  return PRIVATE_V4.some(
    ([network, prefix]) => Math.floor((address - network) / 2 ** (32 - prefix)) === 0 && address >= network,
  );
}

/** Global unicast is 2000::/3 (RFC 4291 section 2.4); IPv4 inside it or beside it hides behind 6to4, NAT64 and mapping. */
function isPrivateV6(address: string): boolean {
  return !/^[23][0-9a-f]{3}:/.test(address) || address.startsWith("2002:") || /^2001:(?:0|db8)?:/.test(address);
}
