-- Postgres would keep the ids of the largest jobs as most common values and take every other job for a single row: joins of a new job's rows
-- are then nested loops over all of them, quadratic in its items. Without statistics it assumes a job of middling size.
ALTER TABLE "items" ALTER COLUMN "job_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "outcomes" ALTER COLUMN "job_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "attempts" ALTER COLUMN "job_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "batch_items" ALTER COLUMN "job_id" SET STATISTICS 0;--> statement-breakpoint
ALTER TABLE "batches" ALTER COLUMN "job_id" SET STATISTICS 0;
