/** Datagrams on the SIP port that keep a NAT's binding open: line ends, or STUN (RFC 5626 section 4.4). */

const CR = 13;
const LF = 10;
const STUN_HEADER_BYTES = 20;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const XOR_MAPPED_ADDRESS = 0x0020;
const MAGIC_COOKIE = 0x2112a442;

export type UdpKeepAlive = { readonly answer: Uint8Array | undefined };

/** No SIP message begins with an octet below 32 but a line end, so what is not SIP shows itself at once. */
export function readUdpKeepAlive(bytes: Uint8Array, host: string, port: number): UdpKeepAlive | undefined {
  if (bytes.length <= 4 && bytes.every((byte) => byte === CR || byte === LF || byte === 0))
    return { answer: undefined };
  const first = bytes[0];
  return first === undefined || first > 3 ? undefined : { answer: stunBindingSuccess(bytes, host, port) };
}

/** The peer's address as we see it (RFC 8489 section 14.2): by it a phone notices that its NAT gave it another one. */
function stunBindingSuccess(request: Uint8Array, host: string, port: number): Uint8Array | undefined {
  const address = ipv4Octets(host);
  if (request.length < STUN_HEADER_BYTES || address === undefined) return undefined;
  const asked = new DataView(request.buffer, request.byteOffset, request.length);
  if (asked.getUint16(0) !== BINDING_REQUEST || asked.getUint32(4) !== MAGIC_COOKIE) return undefined;

  const answer = new Uint8Array(STUN_HEADER_BYTES + 12);
  answer.set(request.subarray(4, STUN_HEADER_BYTES), 4);
  const view = new DataView(answer.buffer);
  view.setUint16(0, BINDING_SUCCESS);
  view.setUint16(2, 12);
  view.setUint16(20, XOR_MAPPED_ADDRESS);
  view.setUint16(22, 8);
  view.setUint16(24, 0x0001); // IPv4
  view.setUint16(26, port ^ (MAGIC_COOKIE >>> 16));
  view.setUint32(28, (address ^ MAGIC_COOKIE) >>> 0);
  return answer;
}

/** As one number; IPv6 has no NAT to keep open. */
function ipv4Octets(host: string): number | undefined {
  const parts = host.split(".").map(Number);
  if (parts.length !== 4 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255))
    return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
