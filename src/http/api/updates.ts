import type { Express } from 'express'
import type { ApiDependencies } from './dependencies.ts'

/** What applications hear of their deliveries while they happen. */
export function routeUpdates(_app: Express, _dependencies: ApiDependencies): void {}
