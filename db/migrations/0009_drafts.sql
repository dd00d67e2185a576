CREATE TABLE "parts" (
	"job_id" text NOT NULL,
	"part" integer NOT NULL,
	"content_hash" text NOT NULL,
	"items" integer NOT NULL,
	"rejected" integer NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "parts_job_id_part_pk" PRIMARY KEY("job_id","part")
);
--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "draft" jsonb;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "receiving" text;--> statement-breakpoint
ALTER TABLE "jobs" ADD COLUMN "touched_at" timestamp (3) with time zone;