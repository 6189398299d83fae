const CR = 13;
const LF = 10;

/** Datagrams that only hold a NAT's binding open: line ends, zero octets, or nothing at all. They are no SIP and need no answer. */
export function isUdpKeepAlive(bytes: Uint8Array): boolean {
  if (bytes.length > 4) return false;
  return bytes.every((byte) => byte === CR || byte === LF || byte === 0);
}
