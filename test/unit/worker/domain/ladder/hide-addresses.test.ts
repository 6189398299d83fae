import { describe, expect, it } from "vitest";
import { hideAddresses } from "../../../../../worker/domain/ladder/hide-addresses.ts";

describe("texts of peers and networks", () => {
  it.each([
    ["connect ECONNREFUSED 192.168.1.20:5060", "connect ECONNREFUSED (address)"],
    ["503 no way to 10.0.0.7", "503 no way to (address)"],
    ["[2001:db8::1]:5061 refused", "(address) refused"],
    ["from fe80::1%eth0 only", "from (address) only"],
    ["::1 refused", "(address) refused"],
  ])("%s: are shown without addresses", (text, shown) => {
    expect(hideAddresses(text)).toBe(shown);
  });

  it.each(["after 120 ms", "at 10:32:05 or so", "486 Busy Here", "version 1.2.3", "2 of 3 routes ring"])(
    "%s: stay as they are",
    (text) => {
      expect(hideAddresses(text)).toBe(text);
    },
  );
});
