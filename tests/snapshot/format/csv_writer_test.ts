import assert from "node:assert/strict";
import fc from "fast-check";
import Papa from "papaparse";
import { formatRows } from "../../../src/snapshot/format/csv_writer.ts";
import { NUMBER_FIELDS } from "../../../src/user_grade.ts";
import { grades } from "../../support/grades.ts";
import { toBlock } from "../../support/model.ts";

Deno.test({
  name:
    "formatRows() writes what a CSV library reads back, and would write but for a leading #",
  permissions: "none",
  fn: () => {
    fc.assert(fc.property(grades, (values) => {
      const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(
        formatRows(toBlock(values)),
      );
      const { data, errors } = Papa.parse<string[]>(`header\r\n${text}`, {
        skipEmptyLines: true,
        delimiter: ",",
      });
      assert.deepEqual(errors, []);
      assert.deepEqual(
        data.slice(1),
        values.map((grade) => [
          grade.user_id,
          ...NUMBER_FIELDS.map((field) => String(grade[field])),
        ]),
      );
      assert.ok(text === "" || text.endsWith("\r\n"));
    }));
  },
});
