/** Which of the test processes that run side by side this one is: each takes its ports from a range of its own. */
export const WORKER_SLICES = 3;
export const WORKER_SLICE = Number(process.env["VITEST_POOL_ID"] ?? 0) % WORKER_SLICES;
