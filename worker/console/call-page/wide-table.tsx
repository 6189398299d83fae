import type { JSX } from "preact";

/** A table that scrolls by itself where the screen is narrow; by keyboard too. */
export function WideTable(props: {
  readonly label: string;
  readonly heads: readonly string[];
  readonly children: JSX.Element | JSX.Element[];
}): JSX.Element {
  const { label, heads, children } = props;
  return (
    <div class="wide-table" role="region" aria-label={label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th scope="col" key={head}>
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
