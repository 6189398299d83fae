/** The one constructor of the media plane. */
import { createDtlsCertificate } from "../webrtc/dtls-certificate.ts";
import { Trunk } from "./trunk.ts";
import { GatewayMediaPlane } from "./gateway-media-plane.ts";
import type { MediaPlane } from "./media-plane.ts";
import type { MediaPlaneOptions } from "./media-plane-options.ts";

/** Binds the trunk port and makes the gateway's certificate; rejects when the port is taken. */
export async function createMediaPlane(options: MediaPlaneOptions): Promise<MediaPlane> {
  if (options.fleetKey.length !== 32) throw new RangeError("the fleet key must have 32 bytes");
  const certificate = await createDtlsCertificate();
  return new GatewayMediaPlane(options, await Trunk.open(options), certificate);
}
