ALTER TABLE "ledger" DROP CONSTRAINT "ledger_once";--> statement-breakpoint
ALTER TABLE "batches" ADD COLUMN "progressed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "ledger" ADD COLUMN "provider_batch_id" text;--> statement-breakpoint
ALTER TABLE "ledger" ADD CONSTRAINT "ledger_once" UNIQUE NULLS NOT DISTINCT("job_id","batch","attempt","kind","provider_batch_id");