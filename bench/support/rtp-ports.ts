/** Where peers and relays of a benchmark have their RTP: the stacks of the tests end below, their media planes begin at 30,000. */
export const FIRST_RTP_PORT = 27_600;
