FROM python:3.11-slim
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --require-hashes -r requirements.txt
COPY eventstore eventstore
COPY backend_services backend_services
COPY webapp webapp
RUN useradd --system --uid 10001 waybill && install -d -o waybill /data
USER waybill
EXPOSE 8000
CMD ["python", "-m", "webapp"]
