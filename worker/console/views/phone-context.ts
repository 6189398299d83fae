import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Softphone } from "../model/softphone.ts";

export const PhoneContext = createContext<Softphone | undefined>(undefined);

/** The page's one phone. */
export function usePhone(): Softphone {
  const phone = useContext(PhoneContext);
  if (phone === undefined) throw new TypeError("views stand inside a PhoneContext");
  return phone;
}
