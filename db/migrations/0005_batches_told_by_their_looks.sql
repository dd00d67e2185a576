ALTER TABLE "submissions" ADD COLUMN "items" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "look_alike" text;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "provisional" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "submissions" ADD COLUMN "not_ours" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "submissions_one_look_alike" ON "submissions" USING btree ("look_alike") WHERE "submissions"."look_alike" is not null and "submissions"."state" in ('intended', 'sending', 'quarantined');