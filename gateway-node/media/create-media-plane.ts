/** The one constructor of the media plane. */
import { Trunk } from "./trunk.ts";
import { GatewayMediaPlane } from "./gateway-media-plane.ts";
import type { MediaPlane } from "./media-plane.ts";
import type { MediaPlaneOptions } from "./media-plane-options.ts";

/** Binds the trunk port; rejects when that is taken. */
export async function createMediaPlane(options: MediaPlaneOptions): Promise<MediaPlane> {
  return new GatewayMediaPlane(options, await Trunk.open(options));
}
