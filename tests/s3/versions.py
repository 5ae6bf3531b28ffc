"""All versions in a bucket, as boto3 lists them: versions.py PORT BUCKET KEY SECRET"""

import sys

import boto3

port, bucket, key, secret = sys.argv[1:]
client = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="us-east-1",
    aws_access_key_id=key,
    aws_secret_access_key=secret,
)
for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
    for one in page.get("Versions", []):
        print(one["Key"], "latest" if one["IsLatest"] else "older")
    for one in page.get("DeleteMarkers", []):
        print(one["Key"], "mark")
