import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const service = z.object({
  user: z.string(),
  image: z.string().optional(),
  build: z.string().optional(),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  secrets: z.array(z.string()),
  volumes: z.array(z.string()).default([]),
  networks: z.array(z.string()),
  ports: z.array(z.string()).default([]),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  ulimits: z.record(z.string(), z.unknown()),
  tmpfs: z.array(z.string()).default([]),
  privileged: z.never().optional(),
  cap_add: z.never().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
})

const shape = z.object({
  services: z.record(z.string(), service),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() })),
})

export const root = new URL('../../', import.meta.url).pathname

export const composeText = readFileSync(`${root}docker-compose.yml`, 'utf8')

/** The file as any reader of YAML 1.1 merges sees it. */
export const composeDocument: unknown = parse(composeText, { merge: true })

export const compose = shape.parse(composeDocument)

export function serviceNamed(name: string): z.infer<typeof service> {
  const found = compose.services[name]
  if (found === undefined) throw new Error(`there is no service ${name}`)
  return found
}
