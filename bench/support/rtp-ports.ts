/** Where peers and relays of a benchmark have their RTP: the stacks of the tests end below, their media planes begin at 30,000. */
export const FIRST_RTP_PORT = 27_600;

/** Stacks of benchmarks, each gateway in turn. The system hands out ports from here too; a gateway passes over taken ones. */
export const FIRST_STACK_RTP_PORT = 48_000;
export const STACK_RTP_PORTS = 4_000;
