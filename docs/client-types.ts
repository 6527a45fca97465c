import { z } from 'zod'
import * as contract from '../src/contract/index.ts'

/*
 * src/client/types.ts, made of the contract: the client stands alone, without zod and without the house.
 */

type Schema = z.core.JSONSchema.BaseSchema & { readonly as?: Schema }

export function clientTypes(): string {
  const registry = z.registry<{ id: string }>()
  for (const [name, schema] of Object.entries(contract)) {
    if (schema instanceof z.ZodType)
      registry.add(schema, { id: `${name.charAt(0).toUpperCase()}${name.slice(1)}` })
  }
  const { schemas } = z.toJSONSchema(registry, { uri: id => id, io: 'input' })
  const declarations = Object.entries(schemas)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(declare)
  const codes = contract.problemCodes.map(code => `  | '${code}'`).join('\n')
  return `/* Made of src/contract by \`npm run docs\`. Do not edit. */

/** The codes of errors; docs/errors.md says more about each. New ones may come. */
export type ProblemCode =
${codes}

${declarations.join('\n')}`
}

function declare([name, schema]: [string, Schema]): string {
  const comment = commentOf(schema, '')
  return schema.type === 'object'
    ? `${comment}export interface ${name} ${typeOf(schema, '')}\n`
    : `${comment}export type ${name} = ${typeOf(schema, '')}\n`
}

function typeOf(schema: Schema, indent: string): string {
  if (schema.$ref !== undefined) return schema.$ref
  if (schema.const !== undefined) return `'${String(schema.const)}'`
  if (schema.enum !== undefined) return schema.enum.map(value => `'${String(value)}'`).join(' | ')
  if (schema.type === 'object') return membersOf(schema, indent)
  const either = schema.oneOf ?? schema.anyOf
  if (either !== undefined) return either.map(one => typeOf(one as Schema, indent)).join(' | ')
  if (schema.type === 'array') return `readonly ${grouped(typeOf(schema.items as Schema, indent))}[]`
  if (Array.isArray(schema.type)) return schema.type.map(type => typeOf({ type }, indent)).join(' | ')
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  if (schema.type === 'string' || schema.type === 'boolean' || schema.type === 'null') return schema.type
  throw new Error(`no type for ${JSON.stringify(schema)}`)
}

function membersOf({ properties = {}, required = [] }: Schema, indent: string): string {
  const inner = `${indent}  `
  const members = Object.entries(properties).map(([name, given]) => {
    const schema = (given as Schema).as ?? (given as Schema)
    const type = typeOf(schema, inner)
    return required.includes(name)
      ? `${commentOf(schema, inner)}${inner}readonly ${name}: ${type}`
      : `${commentOf(schema, inner)}${inner}readonly ${name}?: ${type} | undefined`
  })
  return `{\n${members.join('\n')}\n${indent}}`
}

function commentOf({ description }: Schema, indent: string): string {
  return description === undefined ? '' : `${indent}/** ${description} */\n`
}

function grouped(type: string): string {
  return type.includes('|') ? `(${type})` : type
}
