import type { Express } from 'express'

/** The description of this API, for programs and for people. */
export function routeDocs(_app: Express): void {}
