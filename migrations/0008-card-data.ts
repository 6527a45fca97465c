import type { Knex } from 'knex'

/**
 * What an application may send of card data. Old code on this schema goes on: it does not look, and applications that it adds may
 * send card numbers, as before.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    ALTER TABLE applications
      ADD COLUMN cards text NOT NULL DEFAULT 'allowed' CHECK (cards IN ('required', 'allowed', 'forbidden')),
      ADD COLUMN max_cards int CHECK (max_cards > 0),
      ADD COLUMN unreadable boolean NOT NULL DEFAULT false,
      ADD CHECK (cards <> 'forbidden' OR max_cards IS NULL);
    GRANT SELECT (cards, max_cards, unreadable) ON applications TO sealpost_auditor;
  `)
}
