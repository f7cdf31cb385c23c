// Asks @openfeature/flagd-core. Reads {definition, asked: [[type, key, default, context]…]}, writes an answer to each.
import { readFileSync } from 'node:fs';
import { FlagdCore } from '@openfeature/flagd-core';

const { definition, asked } = JSON.parse(readFileSync(0, 'utf8'));
const core = new FlagdCore();
core.setConfigurations(definition);

const resolve = {
  boolean: core.resolveBooleanEvaluation,
  string: core.resolveStringEvaluation,
  number: core.resolveNumberEvaluation,
  object: core.resolveObjectEvaluation,
};

function answer([type, key, fallback, context]) {
  const { value, variant, reason, errorCode } = resolve[type].call(core, key, fallback, context);
  if (errorCode) {
    return { error: errorCode };
  }
  return { value, variant: variant ?? null, reason };
}

function caught(ask) {
  try {
    return answer(ask);
  } catch (error) {
    return { error: error.code ?? String(error) };
  }
}

process.stdout.write(JSON.stringify(asked.map(caught)));
