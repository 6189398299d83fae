// `npm test`: see scripts/test/main.ts. Plain JavaScript, because on a fresh clone nothing else runs.
import { runPinned } from "./install/run-pinned.mjs";

await runPinned("scripts/test/main.ts");
