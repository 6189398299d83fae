/** What the server wrote into the page, before anybody has signed in. */
export interface PageSettings {
  readonly development: boolean;
  readonly sipDomains: readonly string[];
  readonly regions: readonly string[];
}

export function readPageSettings(): PageSettings {
  const text = document.querySelector("#settings")?.textContent ?? "{}";
  const written: Partial<PageSettings> = JSON.parse(text);
  return {
    development: written.development === true,
    sipDomains: written.sipDomains ?? [],
    regions: written.regions ?? [],
  };
}

/** In development the address of the page may name the region to enter in. */
export function chosenRegion({ regions }: PageSettings): string | undefined {
  const named = new URLSearchParams(location.search).get("region");
  return regions.find((region) => region === named);
}
