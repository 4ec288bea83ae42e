// Prints one JSON list: what static/js/form-language.js answers to each vector. Started by test_language.py.
const fs = require("node:fs");
const [language, vectors] = process.argv.slice(2);
const { compile, ExpressionError, settled, string } = require(language);
const { now, zone, vectors: cases } = JSON.parse(fs.readFileSync(vectors, "utf8"));

const answer = (one) => {
  try {
    const made = compile(one.expression, Object.keys(one.row || {}).concat("name", "country", "gap"));
    const value = made.run(one.answers || {}, { now, zone, this: one.this, row: one.row });
    return { result: one.text ? string(value) : settled(value) };
  } catch (fault) {
    if (!(fault instanceof ExpressionError)) throw fault;
    return { error: fault.position };
  }
};
process.stdout.write(JSON.stringify(cases.map(answer)));
