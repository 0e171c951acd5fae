// Parses the AsyncAPI document given as argument with the official parser, offline, and prints
// what it finds. Errors and warnings fail; information and hints are printed only. The parser
// does not hold a message's examples against its schemas, so that is done here.
"use strict";

const { readFileSync } = require("node:fs");
const { Parser } = require("@asyncapi/parser");
const Ajv = require("ajv").default;
const addFormats = require("ajv-formats").default;

const SEVERITIES = ["error", "warning", "information", "hint"];
const FAILING = 2;

function* wrongExamples(document) {
  const ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
  ajv.addSchema({ components: document.components }, "document");
  for (const [key, message] of Object.entries(document.components.messages)) {
    for (const part of ["headers", "payload"]) {
      const validate = ajv.compile({ $ref: `document#/components/messages/${key}/${part}` });
      for (const example of message.examples) {
        if (!validate(example[part])) {
          yield `error: ${key}: the ${part} of an example: ${ajv.errorsText(validate.errors)}`;
        }
      }
    }
  }
}

async function main(path) {
  const text = readFileSync(path, "utf8");
  const { document, diagnostics } = await new Parser().parse(text);
  for (const { severity, code, message, path: where } of diagnostics) {
    console.log(`${SEVERITIES[severity]}: ${where.join(".")}: ${message} (${code})`);
  }
  if (!document || diagnostics.some(({ severity }) => severity < FAILING)) return 1;
  const wrong = [...wrongExamples(JSON.parse(text))];
  wrong.forEach((line) => console.log(line));
  return wrong.length ? 1 : 0;
}

main(process.argv[2]).then(
  (status) => { process.exitCode = status; },
  (error) => { console.error(error); process.exitCode = 2; },
);
