// The expression language of forms in the browser: the same as portal/collect/language, and no eval.
// tests/collect/vectors.json holds both to the same answers. In the browser `FormLanguage`, in node a module.
((root, make) => {
  if (typeof module === "object" && module.exports) module.exports = make();
  else root.FormLanguage = make();
})(typeof self === "undefined" ? this : self, () => {
  "use strict";

  const LONGEST = 4000, DEEPEST = 40, TALLEST = 120;
  const FUNCTIONS = {
    not: [1, 1], selected: [2, 2], "count-selected": [1, 1], if: [3, 3], coalesce: [2, 9], "string-length": [1, 1],
    regex: [2, 2], round: [1, 2], int: [1, 1], number: [1, 1], true: [0, 0], false: [0, 0], today: [0, 0], now: [0, 0],
  };
  const LEVELS = [["or"], ["and"], ["=", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "div", "mod"]];
  const TOKEN = /\s*(?:(\$\{\s*[A-Za-z_]\w*\s*\})|(\d+(?:\.\d+)?|\.\d+)|('[^']*'|"[^"]*")|([A-Za-z_][\w-]*)|(!=|<=|>=|[=<>+\-*(),.]))/y;
  const KINDS = ["ref", "number", "text", "name", "op"];

  class ExpressionError extends Error {
    constructor(position) {
      super(`expression: position ${position}`);
      this.position = position;
    }
  }

  // ---- reading ----
  function tokens(source) {
    const found = [], end = source.trimEnd().length;
    let at = 0;
    while (at < end) {
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(source);
      if (!match) throw new ExpressionError(at + source.slice(at).length - source.slice(at).trimStart().length + 1);
      const which = match.slice(1).findIndex((part) => part !== undefined);
      const text = match[which + 1];
      at = TOKEN.lastIndex;
      found.push({ kind: KINDS[which], text, at: at - text.length + 1 });
    }
    found.push({ kind: "end", text: "", at: source.length + 1 });
    return found;
  }

  function parse(source, columns) {
    const list = tokens(source), references = new Set();
    let next = 0, depth = 0;

    const unexpected = () => new ExpressionError(list[next].at);
    const node = (kind, value, ...parts) => {
      const height = 1 + Math.max(0, ...parts.map((part) => part.height));
      if (height > TALLEST) throw unexpected();
      return { kind, value, parts, height };
    };
    const leaf = (kind, value) => ({ kind, value, parts: [], height: 1 });
    const take = (text) => {
      if (list[next].kind !== "op" || list[next].text !== text) return false;
      next += 1;
      return true;
    };
    const expect = (text) => {
      if (!take(text)) throw unexpected();
    };

    function level(index) {
      if (index === LEVELS.length) return unary();
      let parts = [level(index + 1)];
      const names = LEVELS[index];
      while (["op", "name"].includes(list[next].kind) && names.includes(list[next].text)) {
        const operator = list[next].text;
        next += 1;
        parts.push(level(index + 1));
        if (index > 1) parts = [node("op", operator, ...parts)];
      }
      return parts.length === 1 ? parts[0] : node("op", names[0], ...parts);
    }

    function unary() {
      depth += 1;
      if (depth > DEEPEST) throw unexpected();
      const made = take("-") ? node("op", "negative", unary()) : primary();
      depth -= 1;
      return made;
    }

    function primary() {
      const token = list[next];
      if (token.kind === "number") return (next += 1), leaf("number", Number(token.text));
      if (token.kind === "text") return (next += 1), leaf("text", token.text.slice(1, -1));
      if (token.kind === "ref") {
        next += 1;
        const name = token.text.slice(2, -1).trim();
        references.add(name);
        return leaf("ref", name);
      }
      if (token.kind === "name") return named(token);
      if (take(".")) return leaf("this", null);
      if (take("(")) {
        const inner = level(0);
        expect(")");
        return inner;
      }
      throw unexpected();
    }

    function named(token) {
      next += 1;
      if (!take("(")) {
        if (columns.has(token.text)) return leaf("column", token.text);
        throw new ExpressionError(token.at);
      }
      if (!Object.hasOwn(FUNCTIONS, token.text)) throw new ExpressionError(token.at);
      const parts = [];
      if (!take(")")) {
        do parts.push(level(0));
        while (take(","));
        expect(")");
      }
      const [least, most] = FUNCTIONS[token.text];
      if (parts.length < least || parts.length > most) throw new ExpressionError(token.at);
      if (token.text === "regex") {
        if (parts[1].kind !== "text") throw new ExpressionError(token.at);
        if (!pattern(parts[1].value)) throw new ExpressionError(token.at);
      }
      return node("call", token.text, ...parts);
    }

    if (list[0].kind === "end") throw new ExpressionError(1);
    const tree = level(0);
    if (list[next].kind !== "end") throw unexpected();
    return { tree, references: [...references] };
  }

  // RE2's pattern as JavaScript's: whole text, ASCII white space. null for what is no pattern.
  function pattern(source) {
    if (source.length > 500 || /\(\?(?!:)|\[\[:|\\[AzQECpP]|\\x\{/.test(source)) return null;
    let made = "", inside = false;
    for (let i = 0; i < source.length; i += 1) {
      const sign = source[i];
      if (sign === "\\") {
        i += 1;
        const next = source[i];
        if (next === "s") made += inside ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]";
        else if (next === "S") made += inside ? "\\S" : "[^\\t\\n\\f\\r ]";
        else made += /[A-Za-z0-9]/.test(next || "") || "^$\\.*+?()[]{}|/".includes(next) || (inside && next === "-")
          ? `\\${next}` : next || "\\";
      } else {
        if (sign === "[") {
          if (inside) { made += "\\["; continue; }
          inside = true;
        } else if (sign === "]") inside = false;
        made += sign;
      }
    }
    try {
      return new RegExp(`^(?:${made})$`, "u");
    } catch {
      return null;
    }
  }

  // ---- values ----
  const NUMBER = /^[ \t\r\n]*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?[ \t\r\n]*$/;
  const TIME = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:?\d{2})?$/;
  const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
  const MOMENT = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|z|[+-]\d{2}:?\d{2})$/;
  const DAY = 86400;

  const isText = (value) => typeof value === "string";
  const isNumber = (value) => typeof value === "number";
  const blank = (value) =>
    value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);

  function number(value, context) {
    if (isNumber(value)) return value;
    if (value === true) return 1;
    if (value === false) return 0;
    if (!isText(value) || !value) return NaN;
    return NUMBER.test(value) ? Number(value.trim()) : days(value, context);
  }

  function dayNumber(text) {
    const match = DATE.exec(text);
    if (!match) return NaN;
    const [year, month, day] = match.slice(1).map(Number);
    const made = new Date(0);
    made.setUTCFullYear(year, month - 1, day);
    const same = year > 0 && made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
    return same ? made.getTime() / (DAY * 1000) : NaN;
  }

  function moment(text) {
    const match = MOMENT.exec(text);
    if (!match || Number.isNaN(dayNumber(match[1]))) return null;
    const [clock, fraction] = match[2].replace(",", ".").split(".");
    const offset = match[3].toUpperCase().replace(/^([+-]\d{2})(\d{2})$/, "$1:$2");
    const at = Date.parse(`${match[1]}T${clock.length === 5 ? `${clock}:00` : clock}${offset}`);
    return Number.isNaN(at) ? null : { at, fraction: Number(`0.${(fraction || "0").slice(0, 6)}`) };
  }

  const formats = new Map();
  function wall(at, zone) {
    if (!formats.has(zone)) {
      formats.set(zone, new Intl.DateTimeFormat("en-CA", {
        timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
        hour: "2-digit", minute: "2-digit", second: "2-digit",
      }));
    }
    const parts = {};
    for (const part of formats.get(zone).formatToParts(new Date(at))) parts[part.type] = part.value;
    return { date: `${parts.year.padStart(4, "0")}-${parts.month}-${parts.day}`, ...parts };
  }

  function days(text, context) {
    if (DATE.test(text)) return dayNumber(text);
    const time = TIME.exec(text);
    if (time) return (Number(time[1]) * 3600 + Number(time[2]) * 60 + Number(`${time[3] || 0}.${time[4] || 0}`)) / DAY;
    const found = moment(text);
    if (!found) return NaN;
    const local = wall(found.at, context.zone);
    const clock = Number(local.hour) * 3600 + Number(local.minute) * 60 + Number(local.second) + found.fraction;
    return dayNumber(local.date) + clock / DAY;
  }

  function string(value) {
    if (value === null || value === undefined) return "";
    if (isText(value)) return value;
    if (Array.isArray(value)) return value.map(string).join(" ");
    if (typeof value === "object") {
      return ["lat", "lng", "altitude", "accuracy"].filter((key) => key in value).map((key) => string(value[key])).join(" ");
    }
    return Object.is(value, -0) ? "0" : String(value);
  }

  const boolean = (value) =>
    value === true || (value !== false && !blank(value) && value !== 0 && !Number.isNaN(value));

  function equal(left, right, context) {
    if (blank(left) || blank(right)) return blank(left) && blank(right);
    if (typeof left === "boolean" || typeof right === "boolean") {
      if (isText(left) || isText(right)) return string(left) === string(right);
      return boolean(left) === boolean(right);
    }
    if (isNumber(left) || isNumber(right)) return number(left, context) === number(right, context);
    return string(left) === string(right);
  }

  function settled(value) {
    if (isNumber(value)) return Number.isFinite(value) ? value + 0 : null;
    return blank(value) ? null : value;
  }

  // ---- running ----
  const ARITHMETIC = {
    "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
    "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, div: (a, b) => a / b, mod: (a, b) => a % b,
  };

  function selected(value, wanted) {
    const word = string(wanted);
    if (Array.isArray(value)) return value.map(string).includes(word);
    const text = string(value);
    return word !== "" && (text === word || text.split(/\s+/).includes(word));
  }

  function round(value, places) {
    if (!Number.isFinite(value) || !Number.isFinite(places)) return NaN;
    if (Math.abs(value) >= 1e15) return value;
    const factor = Number(`1e${Math.max(-15, Math.min(15, Math.trunc(places)))}`);
    return Math.floor(value * factor + 0.5) / factor;
  }

  const CALLS = {
    true: () => true,
    false: () => false,
    today: (run, parts, context) => wall(Date.parse(context.now), context.zone).date,
    now: (run, parts, context) => context.now,
    if: (run, [when, then, other]) => run(boolean(run(when)) ? then : other),
    coalesce: (run, parts) => {
      for (const part of parts) {
        const value = run(part);
        if (!blank(value)) return value;
      }
      return null;
    },
    regex: (run, [text, source]) => {
      source.made ??= pattern(source.value);
      return source.made.test(string(run(text)));
    },
    round: (run, [value, places], context) => round(number(run(value), context), places ? number(run(places), context) : 0),
    not: (run, [value]) => !boolean(run(value)),
    selected: (run, [value, wanted]) => selected(run(value), run(wanted)),
    "count-selected": (run, [value]) => {
      const found = run(value);
      return Array.isArray(found) ? found.length : string(found).split(/\s+/).filter(Boolean).length;
    },
    "string-length": (run, [value]) => [...string(run(value))].length,
    int: (run, [value], context) => {
      const found = number(run(value), context);
      return Number.isFinite(found) ? Math.trunc(found) : NaN;
    },
    number: (run, [value], context) => number(run(value), context),
  };

  function evaluate(tree, answers, context) {
    const run = (node) => {
      const { kind, value, parts } = node;
      if (kind === "number" || kind === "text") return value;
      if (kind === "ref") return Object.hasOwn(answers, value) ? answers[value] : null;
      if (kind === "this") return context.this ?? null;
      if (kind === "column") return context.row && Object.hasOwn(context.row, value) ? context.row[value] : null;
      if (kind === "call") return CALLS[value](run, parts, context);
      if (value === "and") return parts.every((part) => boolean(run(part)));
      if (value === "or") return parts.some((part) => boolean(run(part)));
      if (value === "negative") return -number(run(parts[0]), context);
      if (value === "=") return equal(run(parts[0]), run(parts[1]), context);
      if (value === "!=") return !equal(run(parts[0]), run(parts[1]), context);
      return ARITHMETIC[value](number(run(parts[0]), context), number(run(parts[1]), context));
    };
    return run(tree);
  }

  // `compile(source, columns)` throws ExpressionError with `position`. `run(answers, context)`: context has `now` (ISO
  // with Z), `zone` (IANA name), and where they apply `this` and `row`.
  function compile(source, columns = []) {
    if (source.length > LONGEST) throw new ExpressionError(LONGEST);
    const { tree, references } = parse(source, new Set(columns));
    return {
      references,
      run: (answers, context) => evaluate(tree, answers, context),
      true: (answers, context) => boolean(evaluate(tree, answers, context)),
    };
  }

  return { compile, ExpressionError, pattern, blank, boolean, equal, number, string, settled };
});
