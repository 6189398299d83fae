/** FNV-1a, 32 bits: spreads Call-IDs and addresses over channels, the same in every run. */
export function hashToChannel(key: string, channels: number): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < key.length; index += 1) {
    hash ^= key.charCodeAt(index);
    hash = Math.imul(hash, 0x01000193);
  }
  return (hash >>> 0) % channels;
}
