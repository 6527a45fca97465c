import { readFileSync } from 'node:fs'
import { SealpostError } from '../kernel/index.ts'
import { type SettingName, settings } from './settings.ts'

/** Reads settings from an environment, once. Everything wrong is `config_invalid` with the setting's name. */
export interface SettingsReader {
  /** The value or its default; undefined when neither exists. */
  optional(name: SettingName): string | undefined
  required(name: SettingName): string
  integer(name: SettingName, least: number, most: number): number
  /** The content of the file that the setting names. */
  file(name: SettingName): string
  optionalFile(name: SettingName): string | undefined
  /** `host:port`, or `[ipv6]:port`. */
  listen(name: SettingName): { readonly host: string; readonly port: number }
  /** `https://name` or `https://name:port`, nothing else; returned as browsers write an origin. */
  origin(name: SettingName): string
}

/** Refuses unknown `SEALPOST_` variables: a misspelt protection must not be a silent one. */
export function readSettings(env: NodeJS.ProcessEnv): SettingsReader {
  for (const name of Object.keys(env)) {
    if (name.startsWith('SEALPOST_') && !Object.hasOwn(settings, name))
      throw invalid(name, 'is not a setting')
  }

  const optional = (name: SettingName): string | undefined => {
    const value = env[name] ?? settings[name].default
    return value === '' ? undefined : value
  }
  const required = (name: SettingName): string => {
    const value = optional(name)
    if (value === undefined) throw invalid(name, 'is required')
    return value
  }
  const read = (name: SettingName, path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch (cause) {
      throw invalid(name, 'names a file that cannot be read', cause)
    }
  }

  return {
    optional,
    required,
    integer(name, least, most) {
      const value = required(name)
      if (!/^[0-9]{1,9}$/.test(value) || Number(value) < least || Number(value) > most) {
        throw invalid(name, `must be a whole number from ${least} to ${most}`)
      }
      return Number(value)
    },
    file: name => read(name, required(name)),
    optionalFile(name) {
      const path = optional(name)
      return path === undefined ? undefined : read(name, path)
    },
    listen(name) {
      const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(required(name))
      const host = match?.[1] ?? match?.[2]
      const port = Number(match?.[3])
      if (host === undefined || port > 65_535) throw invalid(name, 'must be ADDRESS:PORT')
      return { host, port }
    },
    origin(name) {
      const text = required(name)
      const url = URL.canParse(text) ? new URL(text) : undefined
      if (url?.protocol !== 'https:' || (text !== url.origin && text !== `${url.origin}/`)) {
        throw invalid(name, 'must be https://NAME or https://NAME:PORT, in lower case, without a path')
      }
      return url.origin
    },
  }
}

export function invalid(name: string, problem: string, cause?: unknown): SealpostError {
  return new SealpostError('config_invalid', { detail: `${name} ${problem}`, cause })
}
