import fc from "fast-check";
import { expect, test } from "vitest";
import { splitHeard } from "./heard";

const transcript = "parrots name their chicks";

test("all was heard when nothing says otherwise", () => {
  expect(splitHeard({ text: "", transcript, heard: null })).toEqual({
    heard: transcript,
    unheard: "",
  });
});

test("the cut moves to the end of the word that was sounding", () => {
  expect(splitHeard({ text: "", transcript, heard: 9 })).toEqual({
    heard: "parrots name",
    unheard: " their chicks",
  });
});

test("nothing was heard when the answer was stopped before its first sound", () => {
  expect(splitHeard({ text: "", transcript, heard: 0 })).toEqual({
    heard: "",
    unheard: transcript,
  });
});

test("written words are always read whole", () => {
  expect(splitHeard({ text: "hi there", transcript: "", heard: 2 }).unheard).toBe("");
});

test("no character is lost or doubled", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(60), (words, heard) => {
      const split = splitHeard({ text: "", transcript: words, heard });
      return split.heard + split.unheard === words;
    }),
  );
});
