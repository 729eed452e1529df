import {expect, test} from "vitest";
import {isOlder} from "./revision";

test("the cluster's own number decides, then that of its nodes", () => {
  expect(isOlder([4, 9], [5, 2])).toBe(true);
  expect(isOlder([5, 2], [4, 9])).toBe(false);
  expect(isOlder([5, 2], [5, 3])).toBe(true);
  expect(isOlder([5, 3], [5, 2])).toBe(false);
});

test("the same document again is not older", () => {
  expect(isOlder([5, 2], [5, 2])).toBe(false);
});
