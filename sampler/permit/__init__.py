"""permit"""
