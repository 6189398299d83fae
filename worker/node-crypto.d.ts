/** The part of node:crypto (compatibility flag nodejs_compat) that the Worker uses: workers-types does not declare it. */
declare module "node:crypto" {
  interface Digest {
    update(data: string | Uint8Array): this;
    digest(): Uint8Array;
    digest(encoding: "hex" | "base64url"): string;
  }
  interface Cipher {
    update(data: Uint8Array): Uint8Array;
    final(): Uint8Array;
    getAuthTag(): Uint8Array;
    setAuthTag(tag: Uint8Array): void;
  }
  export function createHash(algorithm: "md5" | "sha256"): Digest;
  export function createHmac(algorithm: "sha1" | "sha256", key: string | Uint8Array): Digest;
  export function createCipheriv(algorithm: "aes-256-gcm", key: Uint8Array, iv: Uint8Array): Cipher;
  export function createDecipheriv(algorithm: "aes-256-gcm", key: Uint8Array, iv: Uint8Array): Cipher;
  export function timingSafeEqual(a: Uint8Array, b: Uint8Array): boolean;
}
