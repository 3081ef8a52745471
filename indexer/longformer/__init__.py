"""Longformer read fast: conversion, loading and our own forward pass."""
