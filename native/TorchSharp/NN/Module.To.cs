using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public partial class Module
        {
            protected DeviceType _deviceType = DeviceType.CPU;
            protected int _deviceIndex = -1;

            protected internal virtual Module _to(Device device, ScalarType dtype, bool non_blocking)
            {
                RequireFloating(dtype);
                RequireAvailable(device.type);
                _toEpilog(dtype, device.type == DeviceType.CUDA ? device : new Device(device.type, -1), non_blocking);
                return this;
            }

            protected internal virtual Module _to(DeviceType deviceType, int deviceIndex, bool non_blocking)
            {
                RequireAvailable(deviceType);
                int index = deviceType == DeviceType.CUDA ? deviceIndex : -1;
                if (deviceType != _deviceType || index != _deviceIndex)
                {
                    _toEpilog(deviceType, index, non_blocking);
                }

                return this;
            }

            protected internal virtual Module _to(ScalarType dtype, bool non_blocking)
            {
                RequireFloating(dtype);
                _toEpilog(dtype, non_blocking);
                return this;
            }

            public Module _to(Tensor other, bool non_blocking)
            {
                _to(other.dtype, non_blocking);
                return _to(other.device_type, other.device_index, non_blocking);
            }

            protected void _toEpilog(ScalarType dtype, bool non_blocking) => _toEpilog(dtype, null, non_blocking);

            protected void _toEpilog(Device device, ScalarType dtype, bool non_blocking) => _toEpilog(dtype, device, non_blocking);

            protected void _toEpilog(DeviceType deviceType, int deviceIndex, bool non_blocking) =>
                _toEpilog(null, new Device(deviceType, deviceIndex), non_blocking);

            protected virtual void _toEpilog(ScalarType? dtype, Device device, bool non_blocking)
            {
                if (dtype is null && device is null)
                {
                    throw new ArgumentNullException(nameof(dtype), "Neither a dtype nor a device is given.");
                }

                foreach ((_, Module child) in named_children())
                {
                    if (device is null)
                    {
                        child._to(dtype.Value, non_blocking);
                    }
                    else if (dtype is null)
                    {
                        child._to(device.type, device.index, non_blocking);
                    }
                    else
                    {
                        child._to(device, dtype.Value, non_blocking);
                    }
                }

                foreach ((string own, Parameter parameter) in named_parameters(false).ToList())
                {
                    if (!ReplaceParameter(dtype, device, parameter, out Parameter moved))
                    {
                        continue;
                    }

                    if (!SetProperty(own, moved))
                    {
                        parameter.Dispose();
                        ConditionallyRegisterParameter(own, moved);
                        SetField(own, moved);
                    }
                }

                foreach ((string own, Tensor buffer) in named_buffers(false).ToList())
                {
                    if (ReplaceBuffer(dtype, device, buffer, out Tensor moved) && !SetProperty(own, moved))
                    {
                        ConditionallyRegisterBuffer(own, moved);
                        SetField(own, moved);
                    }
                }

                if (device is not null)
                {
                    _deviceType = device.type;
                    _deviceIndex = device.index;
                }
            }

            protected static bool ReplaceBuffer(ScalarType? dtype, Device device, Tensor buffer, out Tensor result)
            {
                ScalarType type = Target(buffer, dtype);
                Device place = device ?? buffer.device;
                result = Moves(buffer, type, place) ? buffer.to(type, place, disposeAfter: true).DetachFromDisposeScope() : null;
                return result is not null;
            }

            protected static bool ReplaceParameter(ScalarType? dtype, Device device, Parameter param, out Parameter p)
            {
                using Tensor grad = param.grad;
                ScalarType type = Target(param, dtype);
                Device place = device ?? param.device;
                p = null;
                if (!Moves(param, type, place) && (grad is null || !Moves(grad, type, place)))
                {
                    return false;
                }

                // Without a graph the result is a leaf, as a parameter must be.
                using IDisposable noGrad = no_grad();
                p = new Parameter(param.to(type, place, copy: true), param.requires_grad);
                p.DetachFromDisposeScope();
                if (grad is not null)
                {
                    using Tensor movedGrad = grad.to(type, place, copy: true);
                    p.grad = movedGrad;
                }

                return true;
            }

            internal T MoveTo<T>(Device device, ScalarType? dtype)
                where T : Module
            {
                (Device place, ScalarType type) = GetDefaultDeviceAndType(device, dtype);
                return (T)_to(place, type, false);
            }

            private static ScalarType Target(Tensor tensor, ScalarType? dtype) =>
                dtype is not null && (tensor.is_floating_point() || tensor.is_complex()) ? dtype.Value : tensor.dtype;

            private static bool Moves(Tensor tensor, ScalarType dtype, Device device) =>
                tensor.dtype != dtype || tensor.device_type != device.type || (device.index >= 0 && tensor.device_index != device.index);

            private static void RequireFloating(ScalarType dtype)
            {
                if (dtype is not (ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64
                    or ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64))
                {
                    throw new ArgumentException($"A module can be moved to a floating-point or complex dtype only; the dtype is {dtype}.", nameof(dtype));
                }
            }

            private static void RequireAvailable(DeviceType device)
            {
                if (device == DeviceType.CUDA && !cuda.is_available())
                {
                    throw new InvalidOperationException("CUDA is not available.");
                }
            }

            private bool SetProperty(string component, Tensor value)
            {
                PropertyInfo property = GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance).FirstOrDefault(p => p.Name == component);
                property?.SetValue(this, value);
                return property is not null;
            }

            private void SetField(string component, Tensor value) =>
                InstanceFields(GetType()).FirstOrDefault(field => field.ComponentName() == component)?.SetValue(this, value);
        }
    }
}
