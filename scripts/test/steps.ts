import { join } from "node:path";

/** One program that `npm test` runs. */
export interface TestStep {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
  /** Where vitest leaves its report; only steps that count tests have one. */
  readonly report?: string;
  /** A step that hangs is ended then. */
  readonly timeoutMs: number;
  readonly env?: Readonly<Record<string, string>>;
}

const MINUTE_MS = 60_000;
const WHOLE_TABLE_MS = 120 * MINUTE_MS;
const TYPE_PROJECTS = ["pure", "worker", "console", "node"] as const;
const VITEST_PROJECTS = ["unit", "workerd", "integration", "e2e"] as const;
const VITEST_TIMEOUT_MS = { unit: 4, workerd: 4, integration: 7, e2e: 45 } as const;

/** What `npm run check` runs: seconds, and no process but the tools' own. */
export function checkSteps(): readonly TestStep[] {
  return [
    step("format", ["oxfmt", "--check", "."]),
    step("lint", ["oxlint", "--type-aware"]),
    ...TYPE_PROJECTS.map((project) => step(`types ${project}`, ["tsc", "-p", `tsconfig/${project}.json`])),
  ];
}

export function allSteps(cacheFolder: string): readonly TestStep[] {
  return [
    ...checkSteps(),
    step("unused code", ["knip", "--no-progress"]),
    step("bundle", ["wrangler", "deploy", "--dry-run", "--outdir", join(cacheFolder, "bundle")]),
    ...VITEST_PROJECTS.map((project) => vitestStep(project, cacheFolder)),
  ];
}

/** Every cell of the table of pairs and courses (CONTRIBUTING.md), where a usual run takes a selection. */
export function withWholeTable(steps: readonly TestStep[]): readonly TestStep[] {
  const env = { CALL_TABLE: "all" };
  return steps.map((one) => (one.name === "e2e" ? { ...one, env, timeoutMs: WHOLE_TABLE_MS } : one));
}

/** Steps whose name begins with one of the words. */
export function selectSteps(steps: readonly TestStep[], only: readonly string[]): readonly TestStep[] {
  return only.length === 0 ? steps : steps.filter(({ name }) => only.some((word) => name.startsWith(word)));
}

function step(name: string, command: TestStep["command"]): TestStep {
  return { name, command, timeoutMs: 2 * MINUTE_MS };
}

function vitestStep(project: (typeof VITEST_PROJECTS)[number], cacheFolder: string): TestStep {
  const report = join(cacheFolder, `${project}.json`);
  return {
    name: project,
    command: [
      "vitest",
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
    ],
    report,
    timeoutMs: VITEST_TIMEOUT_MS[project] * MINUTE_MS,
  };
}
