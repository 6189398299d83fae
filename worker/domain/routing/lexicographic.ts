/** Ordering by several criteria, the first that differs decides. */

/** One criterion: a number, lower is better, or a text in code-point order. */
export interface Criterion<T, Name extends string> {
  readonly rule: Name;
  readonly of: (item: T) => number | string;
}

function compareValues(a: number | string, b: number | string): number {
  // Not localeCompare: the order must not depend on where the code runs.
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compareBy<T, Name extends string>(criteria: readonly Criterion<T, Name>[], a: T, b: T): number {
  for (const { of } of criteria) {
    const order = compareValues(of(a), of(b));
    if (order !== 0) return order;
  }
  return 0;
}

/** The first criterion in which two items differ. */
export function decidingRule<T, Name extends string>(
  criteria: readonly Criterion<T, Name>[],
  a: T,
  b: T,
): Name | undefined {
  return criteria.find(({ of }) => of(a) !== of(b))?.rule;
}
