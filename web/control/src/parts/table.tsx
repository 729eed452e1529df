import {type ReactNode} from "react";

/** A heading; "number" lines its column up at the right, "hidden" is for the ear alone. */
export type Heading = string | {name: string; as: "number" | "hidden"};

export const actionsHeading: Heading = {name: "Actions", as: "hidden"};

function Head({heading}: {heading: Heading}) {
  if (typeof heading === "string") return <th scope="col">{heading}</th>;
  if (heading.as === "number")
    return (
      <th scope="col" className="number">
        {heading.name}
      </th>
    );
  return (
    <th scope="col">
      <span className="visually-hidden">{heading.name}</span>
    </th>
  );
}

/** Rows under headings. On a narrow page it scrolls by itself, with the keyboard too. */
export function Table({
  label,
  headings,
  children,
}: {
  label: string;
  headings?: readonly Heading[];
  children: ReactNode;
}) {
  return (
    <div className="table-wrap" role="group" aria-label={label} tabIndex={0}>
      <table className="list">
        {headings && (
          <thead>
            <tr>
              {headings.map((heading) => (
                <Head
                  key={typeof heading === "string" ? heading : heading.name}
                  heading={heading}
                />
              ))}
            </tr>
          </thead>
        )}
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
