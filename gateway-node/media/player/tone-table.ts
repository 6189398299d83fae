/**
 * Tones of telephone networks (ITU-T E.180 Supplement 2; `eu`: ETSI ETR 187; `uk`: BT SIN 350). Frequencies in hertz;
 * cadences in milliseconds, on and off by turns, repeated for as long as the tone lasts.
 */
import { TONE_COUNTRIES, TONE_SIGNALS, type ToneCountry, type ToneSignal, type ToneSource } from "#protocol/media";

export interface Tone {
  /** Sounding together. */
  readonly hertz: readonly number[];
  /** The tone swells and fades at this rate: what the tables write as 400 x 25. */
  readonly modulationHertz?: number;
  readonly cadenceMs: readonly number[];
}

const EUROPEAN_RING = [1000, 4000];
const DOUBLE_RING = [400, 200, 400, 2000];

export const TONE_TABLE: Readonly<Record<ToneCountry, Readonly<Record<ToneSignal, Tone>>>> = {
  us: {
    ringback: { hertz: [440, 480], cadenceMs: [2000, 4000] },
    busy: { hertz: [480, 620], cadenceMs: [500, 500] },
    congestion: { hertz: [480, 620], cadenceMs: [250, 250] },
  },
  uk: {
    ringback: { hertz: [400, 450], cadenceMs: DOUBLE_RING },
    busy: { hertz: [400], cadenceMs: [375, 375] },
    congestion: { hertz: [400], cadenceMs: [400, 350, 225, 525] },
  },
  eu: {
    ringback: { hertz: [425], cadenceMs: EUROPEAN_RING },
    busy: { hertz: [425], cadenceMs: [500, 500] },
    congestion: { hertz: [425], cadenceMs: [200, 200] },
  },
  in: {
    ringback: { hertz: [400], modulationHertz: 25, cadenceMs: DOUBLE_RING },
    busy: { hertz: [400], cadenceMs: [750, 750] },
    congestion: { hertz: [400], cadenceMs: [250, 250] },
  },
  au: {
    ringback: { hertz: [413, 438], cadenceMs: DOUBLE_RING },
    busy: { hertz: [425], cadenceMs: [375, 375] },
    congestion: { hertz: [425], cadenceMs: [375, 375] },
  },
  cn: {
    ringback: { hertz: [450], cadenceMs: EUROPEAN_RING },
    busy: { hertz: [450], cadenceMs: [350, 350] },
    congestion: { hertz: [450], cadenceMs: [700, 700] },
  },
  es: {
    ringback: { hertz: [425], cadenceMs: [1500, 3000] },
    busy: { hertz: [425], cadenceMs: [200, 200] },
    congestion: { hertz: [425], cadenceMs: [200, 200, 200, 200, 200, 600] },
  },
  fr: {
    ringback: { hertz: [440], cadenceMs: [1500, 3500] },
    busy: { hertz: [440], cadenceMs: [500, 500] },
    congestion: { hertz: [440], cadenceMs: [250, 250] },
  },
  jp: {
    ringback: { hertz: [400], modulationHertz: 16, cadenceMs: [1000, 2000] },
    busy: { hertz: [400], cadenceMs: [500, 500] },
    congestion: { hertz: [400], cadenceMs: [500, 500] },
  },
  nz: {
    ringback: { hertz: [400, 450], cadenceMs: DOUBLE_RING },
    busy: { hertz: [400], cadenceMs: [500, 500] },
    congestion: { hertz: [400], cadenceMs: [250, 250] },
  },
  se: {
    ringback: { hertz: [425], cadenceMs: [1000, 5000] },
    busy: { hertz: [425], cadenceMs: [250, 250] },
    congestion: { hertz: [425], cadenceMs: [250, 750] },
  },
};

/** The row that `source` names. */
export function toneOf(source: ToneSource): Tone {
  for (const country of TONE_COUNTRIES) {
    for (const signal of TONE_SIGNALS) if (source === `${signal}-${country}`) return TONE_TABLE[country][signal];
  }
  throw new TypeError(`no such tone: ${source}`);
}
