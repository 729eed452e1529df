/** See `revision` in the API's description. */
export type Revision = readonly number[];

/** Whether a document of one cluster was overtaken by another on its way. */
export function isOlder(one: Revision, other: Revision): boolean {
  const [mine = 0, myNodes = 0] = one;
  const [theirs = 0, theirNodes = 0] = other;
  return mine !== theirs ? mine < theirs : myNodes < theirNodes;
}
