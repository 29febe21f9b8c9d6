using System;
using System.Collections.Generic;
using System.Linq;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            private const double NormEpsilon = 1e-6;

            /// <summary>Scales all gradients so that their common norm is at most <paramref name="max_norm"/>; the norm before is returned.</summary>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2)
            {
                using IDisposable noGrad = no_grad();
                using DisposeScope scope = NewDisposeScope();
                List<Tensor> grads = Gradients(tensors);
                if (grads.Count == 0)
                {
                    return 0;
                }

                Tensor norms = stack(grads.Select(grad => Norm(grad, norm_type)));
                double total = Norm(norms, norm_type).to(ScalarType.Float64).item<double>();
                double factor = Math.Min(1, max_norm / (total + NormEpsilon));
                foreach (Tensor grad in grads)
                {
                    grad.mul_(factor);
                }

                return total;
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using IDisposable noGrad = no_grad();
                using DisposeScope scope = NewDisposeScope();
                foreach (Tensor grad in Gradients(tensors))
                {
                    grad.clamp_(-clip_value, clip_value);
                }
            }

            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using DisposeScope scope = NewDisposeScope();
                return cat(tensors.Select(parameter => parameter.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using IDisposable noGrad = no_grad();
                using DisposeScope scope = NewDisposeScope();
                long start = 0;
                foreach (Parameter parameter in tensors)
                {
                    long count = parameter.numel();
                    parameter.copy_(vec.narrow(0, start, count).reshape(parameter.shape));
                    start += count;
                }
            }

            private static List<Tensor> Gradients(IEnumerable<Parameter> tensors) =>
                tensors.Select(parameter => parameter.grad).Where(grad => grad is not null).ToList();

            private static Tensor Norm(Tensor tensor, double order) =>
                double.IsPositiveInfinity(order) ? tensor.abs().max() : tensor.norm((float)order);
        }
    }
}
